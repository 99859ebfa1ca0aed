"""Sentences of customer notices in English, each with two equally good translations into every language."""

# ruff: noqa: E501 - a sentence is easier to read on one line

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = {"de": "German", "fr": "French", "es": "Spanish", "ja": "Japanese"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence and, for each language, two translations of equal quality."""

    english: str
    translations: Mapping[str, tuple[str, str]]


def _sentence(english: str, **translations: tuple[str, str]) -> Sentence:
    return Sentence(english, translations)


BANK = (
    _sentence(
        "Your order {order} was dispatched today.",
        de=("Ihre Bestellung {order} wurde heute versandt.", "Wir haben Ihre Bestellung {order} heute verschickt."),
        fr=("Votre commande {order} a été expédiée aujourd'hui.", "Nous avons expédié votre commande {order} aujourd'hui."),
        es=("Su pedido {order} se ha enviado hoy.", "Hoy hemos enviado su pedido {order}."),
        ja=("ご注文{order}は本日発送いたしました。", "本日、ご注文{order}を発送いたしました。"),
    ),
    _sentence(
        "We will refund {amount} euros within five working days.",
        de=("Wir erstatten {amount} Euro innerhalb von fünf Werktagen.", "Sie erhalten {amount} Euro innerhalb von fünf Werktagen zurück."),
        fr=("Nous rembourserons {amount} euros sous cinq jours ouvrés.", "{amount} euros vous seront remboursés sous cinq jours ouvrés."),
        es=("Le reembolsaremos {amount} euros en un plazo de cinco días hábiles.", "En cinco días hábiles recibirá el reembolso de {amount} euros."),
        ja=("{amount}ユーロを5営業日以内に返金いたします。", "5営業日以内に{amount}ユーロをご返金いたします。"),
    ),
    _sentence(
        "Please restart your {product} once after the update.",
        de=("Bitte starten Sie Ihren {product} nach dem Update einmal neu.", "Bitte führen Sie nach dem Update einmal einen Neustart des {product} durch."),
        fr=("Veuillez redémarrer votre {product} une fois après la mise à jour.", "Après la mise à jour, merci de redémarrer une fois votre {product}."),
        es=("Reinicie su {product} una vez después de la actualización.", "Después de la actualización, reinicie una vez su {product}."),
        ja=("アップデート後、{product}を一度再起動してください。", "更新が終わりましたら、{product}を一度再起動してください。"),
    ),
    _sentence(
        "Our technician will visit you in {city} on {day} October between 9:00 and 12:00.",
        de=("Unser Techniker besucht Sie am {day}. Oktober zwischen 9:00 und 12:00 Uhr in {city}.", "Am {day}. Oktober kommt unser Techniker zwischen 9:00 und 12:00 Uhr zu Ihnen nach {city}."),
        fr=("Notre technicien passera chez vous à {city} le {day} octobre entre 9 h et 12 h.", "Le {day} octobre, notre technicien se rendra chez vous à {city} entre 9 h et 12 h."),
        es=("Nuestro técnico le visitará en {city} el {day} de octubre entre las 9:00 y las 12:00.", "El {day} de octubre, entre las 9:00 y las 12:00, nuestro técnico le visitará en {city}."),
        ja=("技術担当者が10月{day}日9時から12時の間に{city}のお宅へ伺います。", "10月{day}日の9時から12時の間に、技術担当者が{city}のお客様宅を訪問いたします。"),
    ),
    _sentence(
        "If you do not need the appointment any more, please tell us one day before.",
        de=("Falls Sie den Termin nicht mehr benötigen, teilen Sie uns dies bitte einen Tag vorher mit.", "Bitte sagen Sie uns einen Tag vorher Bescheid, wenn Sie den Termin nicht mehr brauchen."),
        fr=("Si vous n'avez plus besoin de ce rendez-vous, veuillez nous en informer la veille.", "Merci de nous prévenir un jour avant si vous n'avez plus besoin du rendez-vous."),
        es=("Si ya no necesita la cita, avísenos un día antes.", "Le rogamos que nos avise un día antes si ya no necesita la cita."),
        ja=("ご予約が不要になった場合は、前日までにお知らせください。", "ご訪問が不要となりましたら、1日前までにご連絡をお願いいたします。"),
    ),
    _sentence(
        "Do not open the case of the {product}: the battery is not replaceable.",
        de=("Öffnen Sie nicht das Gehäuse des {product}: Der Akku ist nicht austauschbar.", "Bitte das Gehäuse des {product} nicht öffnen, der Akku lässt sich nicht austauschen."),
        fr=("N'ouvrez pas le boîtier du {product} : la batterie n'est pas remplaçable.", "Le boîtier du {product} ne doit pas être ouvert, car la batterie n'est pas remplaçable."),
        es=("No abra la carcasa del {product}: la batería no se puede sustituir.", "La carcasa del {product} no debe abrirse, ya que la batería no es reemplazable."),
        ja=("{product}のケースを開けないでください。バッテリーは交換できません。", "バッテリーは交換できませんので、{product}のケースは開けないでください。"),
    ),
    _sentence(
        "Your {plan} plan will be renewed on {day} October for {amount} euros.",
        de=("Ihr Tarif {plan} verlängert sich am {day}. Oktober für {amount} Euro.", "Am {day}. Oktober wird Ihr Tarif {plan} für {amount} Euro verlängert."),
        fr=("Votre formule {plan} sera renouvelée le {day} octobre pour {amount} euros.", "Le {day} octobre, votre formule {plan} sera reconduite pour {amount} euros."),
        es=("Su plan {plan} se renovará el {day} de octubre por {amount} euros.", "El {day} de octubre se renovará su plan {plan} por {amount} euros."),
        ja=("{plan}プランは10月{day}日に{amount}ユーロで更新されます。", "10月{day}日に{plan}プランが{amount}ユーロで更新されます。"),
    ),
    _sentence(
        "We have extended the warranty of your {product} by one year free of charge.",
        de=("Wir haben die Garantie Ihres {product} kostenlos um ein Jahr verlängert.", "Die Garantie Ihres {product} wurde kostenfrei um ein Jahr verlängert."),
        fr=("Nous avons prolongé gratuitement d'un an la garantie de votre {product}.", "La garantie de votre {product} a été prolongée d'un an sans frais."),
        es=("Hemos ampliado gratuitamente un año la garantía de su {product}.", "La garantía de su {product} se ha ampliado un año sin coste."),
        ja=("{product}の保証期間を無料で1年間延長いたしました。", "{product}の保証を無償で1年延長いたしました。"),
    ),
    _sentence(
        "The parcel could not be delivered because nobody was at home.",
        de=("Das Paket konnte nicht zugestellt werden, weil niemand zu Hause war.", "Da niemand anzutreffen war, konnte das Paket nicht zugestellt werden."),
        fr=("Le colis n'a pas pu être livré, car personne n'était présent.", "Personne n'étant présent, le colis n'a pas pu être livré."),
        es=("No se pudo entregar el paquete porque no había nadie en casa.", "Como no había nadie en casa, no fue posible entregar el paquete."),
        ja=("ご不在のため、お荷物をお届けできませんでした。", "お留守でしたので、お荷物のお届けができませんでした。"),
    ),
    _sentence(
        "Please keep the packaging until the return has been confirmed.",
        de=("Bitte bewahren Sie die Verpackung auf, bis die Rücksendung bestätigt ist.", "Heben Sie die Verpackung bitte bis zur Bestätigung der Rücksendung auf."),
        fr=("Veuillez conserver l'emballage jusqu'à la confirmation du retour.", "Merci de garder l'emballage jusqu'à ce que le retour soit confirmé."),
        es=("Conserve el embalaje hasta que se confirme la devolución.", "Le rogamos que guarde el embalaje hasta la confirmación de la devolución."),
        ja=("返品が確認されるまで、梱包材を保管してください。", "返品の確認が済むまで、梱包材はお手元に保管をお願いいたします。"),
    ),
    _sentence(
        "The {product} and the {other} must be at least two metres apart.",
        de=("{product} und {other} müssen mindestens zwei Meter voneinander entfernt sein.", "Zwischen {product} und {other} sind mindestens zwei Meter Abstand nötig."),
        fr=("Le {product} et le {other} doivent être distants d'au moins deux mètres.", "Une distance d'au moins deux mètres est nécessaire entre le {product} et le {other}."),
        es=("El {product} y el {other} deben estar separados al menos dos metros.", "Debe haber al menos dos metros entre el {product} y el {other}."),
        ja=("{product}と{other}は少なくとも2メートル離してください。", "{product}と{other}の間は2メートル以上あけてください。"),
    ),
    _sentence(
        "Support is not available on 31 October; urgent cases are answered by e-mail.",
        de=("Am 31. Oktober ist der Support nicht erreichbar; dringende Fälle beantworten wir per E-Mail.", "Der Support ist am 31. Oktober nicht verfügbar, dringende Anfragen werden per E-Mail beantwortet."),
        fr=("L'assistance ne sera pas disponible le 31 octobre ; les cas urgents seront traités par e-mail.", "Le 31 octobre, l'assistance est fermée ; nous répondons aux urgences par e-mail."),
        es=("El 31 de octubre no habrá atención al cliente; los casos urgentes se responderán por correo electrónico.", "La atención al cliente no estará disponible el 31 de octubre; responderemos a lo urgente por correo electrónico."),
        ja=("10月31日はサポートをお休みします。お急ぎの場合はメールで回答いたします。", "10月31日はサポート窓口が休業となります。緊急のご用件にはメールで対応いたします。"),
    ),
)  # fmt: skip
