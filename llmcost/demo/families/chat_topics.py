"""What customers ask the support chat, and what a good answer has to say: (plain, reworded, wrong) for each point."""

# ruff: noqa: E501 - a sentence is easier to read on one line

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """Ways to ask for one thing and the points that answer it."""

    asks: tuple[str, ...]
    points: tuple[tuple[str, str, str], ...]
    opening: tuple[str, str] = ("", "")


FAQS = (
    Topic(
        ("What is your return policy?", "How long do I have to return something?", "Can I send an item back?"),
        (
            ("You can return any item within 60 days of delivery, for any reason.", "Returns are open for 60 days from delivery, whatever the reason.", "You can return any item within 14 days of the order."),
            ("The label is free; create it at help.larkfield.example/account.", "We pay for the label, which you create at help.larkfield.example/account.", "The return label costs 6.90, which we deduct from the refund."),
            ("Opened mop pads and filters can only be returned if they are faulty.", "Hygiene parts such as mop pads and filters must be unopened unless faulty.", "This includes opened mop pads and filters."),
        ),
    ),
    Topic(
        ("How long does delivery take?", "When will my parcel arrive?", "What are the delivery times?"),
        (
            ("Standard delivery takes 2 to 4 working days.", "A parcel usually needs 2 to 4 working days.", "Standard delivery takes 7 to 10 working days."),
            ("Orders placed before 14:00 leave the same working day.", "Order before 14:00 and it is dispatched that working day.", "Orders placed before 20:00 leave the same day, also on Sundays."),
            ("The tracking link is in the dispatch e-mail.", "You can follow it with the link in our dispatch e-mail.", "Tracking is only available by phone."),
        ),
    ),
    Topic(
        ("Do I need a hub for the Lumen bulbs?", "Will Lumen bulbs work without the Aurora Hub?", "is a hub required for lumen bulbs"),
        (
            ("No, Lumen bulbs connect directly over Wi-Fi.", "Lumen bulbs work over your Wi-Fi, a hub is not needed.", "Yes, Lumen bulbs only work with an Aurora Hub 2."),
            ("Your phone has to be on the 2.4 GHz network while you pair them.", "For pairing, put your phone on the 2.4 GHz band.", "Your phone has to be on the 5 GHz network while you pair them."),
        ),
    ),
    Topic(
        ("How do I cancel my plan?", "I want to cancel my subscription, how?", "Where can I end my Care+ plan?"),
        (
            ("Sign in at help.larkfield.example/account, open Plan and choose End plan.", "Go to help.larkfield.example/account, then Plan, then End plan.", "Plans can only be cancelled by a letter to our office."),
            ("It runs until the next renewal date and is not charged again.", "You keep it until the renewal date and pay nothing after that.", "It ends at once and the rest of the month is lost."),
            ("You could also pause it for up to 3 months instead.", "If you only need a break, pausing it for up to 3 months is possible.", "A pause is not possible."),
        ),
    ),
    Topic(
        ("My alarm chirps every 40 seconds, what is it?", "Why does my Ember alarm chirp?", "smoke alarm keeps beeping once in a while"),
        (
            ("A single chirp every 40 seconds means the battery is low.", "That short chirp, about every 40 seconds, is the low-battery signal.", "A single chirp every 40 seconds means smoke was found a while ago."),
            ("Replace it with a CR123A and hold the test button for 3 seconds.", "Put in a new CR123A and press the test button for 3 seconds.", "Take the battery out and leave the alarm like that until morning."),
            ("Three long beeps would be a real alarm: leave the house first.", "Should you hear three long beeps, leave the house at once.", "Three long beeps can be ignored."),
        ),
    ),
    Topic(
        ("How long are camera clips stored?", "Where do my recordings go and for how long?", "clip storage time?"),
        (
            ("With a plan clips are kept for 30 days, without one for 24 hours.", "Recordings stay for 30 days on a plan and for 24 hours otherwise.", "Clips are kept for 90 days with or without a plan."),
            ("You can download a clip from the timeline before it goes.", "To keep a clip, download it from the timeline in time.", "Clips cannot be downloaded."),
        ),
    ),
    Topic(
        ("What does the amber light on the hub mean?", "Hub light is amber/orange?", "Why is my Aurora Hub orange?"),
        (
            ("Amber means that the hub has no internet.", "The hub turns amber when it cannot reach the internet.", "Amber means that the hub is updating; wait a day."),
            ("Check the cable at the router, then restart the hub; that takes 90 seconds.", "See that the router cable sits firmly and restart the hub, which needs 90 seconds.", "Do a factory reset; your rooms and automations are kept."),
        ),
    ),
    Topic(
        ("Do you ship to Switzerland?", "Can you deliver to Switzerland or Norway?", "shipping outside the EU?"),
        (
            ("We do not ship to Switzerland or Norway yet.", "At the moment Switzerland and Norway are not among our delivery countries.", "Yes, we ship to Switzerland and Norway free of charge."),
            ("We deliver to all EU countries and the United Kingdom.", "All EU countries and the United Kingdom are covered.", "We deliver within Germany only."),
        ),
    ),
    Topic(
        ("Can I pay in instalments?", "Is there a payment plan?", "pay monthly for a hub possible?"),
        (
            ("Yes, from 100.00 you can pay in up to 12 instalments without interest.", "Orders from 100.00 can be split into as many as 12 interest-free parts.", "Yes, from 20.00 in up to 24 instalments at 9.9 % interest."),
            ("Choose it at the checkout; a short credit check is made.", "You pick it at the checkout, where a brief credit check follows.", "Write to us after the purchase and we change it, without a credit check."),
        ),
    ),
    Topic(
        ("How long is the warranty?", "What warranty do your devices have?", "warranty period on cameras"),
        (
            ("The warranty is 2 years, and 3 years with Care+.", "Devices are covered for 2 years, with Care+ for 3.", "The warranty is 5 years on everything."),
            ("Water damage is covered for outdoor cameras, leak sensors and valves only.", "Of water damage we cover outdoor cameras, leak sensors and valves, nothing else.", "Water damage is always covered."),
        ),
    ),
)  # fmt: skip

TOPICS = (
    Topic(
        ("My {product} has been offline since the update to {version}. What can I do?", "since firmware {version} the {product} drops off the wifi all the time, fix?", "The app shows the {product} as unavailable. It worked until {date}."),
        (
            ("Unplug the {product} for 30 seconds and wait until its light turns white.", "Take the {product} off power for 30 seconds, then wait for the white light.", "Delete the {product} from your account and buy the newer model."),
            ("If it stays offline, open Settings, Network, and choose Reconnect; your rooms and schedules are kept.", "Should that not help, use Settings, Network, Reconnect, which keeps rooms and schedules.", "If it stays offline, do a factory reset; nothing is lost by that."),
            ("Version {version} is known to need this once after the update.", "This is a known one-time step after {version}.", "Version {version} has no known problems, so your router must be broken."),
        ),
        ("Sorry about that.", "That is annoying, let us get it back."),
    ),
    Topic(
        ("I was charged {amount} twice for order {order}.", "why are there two payments of {amount} on my card?? order {order}", "There is a second booking of {amount} for {order} on my statement."),
        (
            ("The second booking of {amount} is a reservation, not a charge.", "One of the two bookings of {amount} is only reserved, it was not taken.", "Both bookings of {wrong_amount} are correct, since you ordered twice."),
            ("Your bank releases it by itself, usually within {days} working days.", "It drops off your statement within {days} working days, without you doing anything.", "You have to ask your bank to release it, which takes 6 weeks."),
            ("If it is still there after that, send us the booking's reference and we raise it with our payment provider for {order}.", "Still there afterwards? Send the reference of the booking and we take {order} up with the payment provider.", "If it is still there after that, please order again."),
        ),
    ),
    Topic(
        ("Parcel for {order} says delivered on {date} but nothing is here.", "My order {order} was marked delivered in {city}, I never got it.", "tracking says delivered, i have nothing. {order}"),
        (
            ("Please look at the safe place named in the tracking and ask your neighbours first.", "First check the safe place in the tracking and with your neighbours.", "Please pay for a second delivery first."),
            ("If it is not found, we open a trace for {order}, which takes up to 3 working days.", "If it does not turn up, a trace for {order} is opened; allow 3 working days.", "If it is not found, we cannot do anything about {wrong_order}."),
            ("After that you choose a replacement or a refund of {amount}.", "You then decide between a replacement and {amount} back.", "After that you get a voucher of {wrong_amount}."),
        ),
        ("", "Thank you for telling us."),
    ),
    Topic(
        ("How do I move my {product} to a new account? I sold it.", "I am giving the {product} to a friend, how do I take it off my account?", "transfer {product} to another owner"),
        (
            ("Open the {product} in the app, choose About and then Release device.", "In the app go to the {product}, About, Release device.", "Tell the new owner your password, so that both can use it."),
            ("This removes your recordings and schedules from it.", "Your recordings and schedules are deleted from the device by this.", "Your recordings stay on it for the new owner."),
            ("The warranty goes with it: give the new owner order number {order}.", "Pass on order number {order}, since the warranty moves with the device.", "The warranty ends with the sale."),
        ),
    ),
    Topic(
        ("I want to change from {plan} to another plan on {date}, what happens to what I paid?", "if i switch my {plan} plan do I lose the rest of the month?", "How does an upgrade from {plan} work?"),
        (
            ("An upgrade takes effect at once and is charged pro rata.", "Upgrades start immediately and you pay the difference pro rata.", "An upgrade takes effect next year."),
            ("A downgrade takes effect at the next renewal, so you lose nothing of {plan}.", "If you downgrade, {plan} simply runs to its renewal, so nothing is lost.", "A downgrade takes effect at once and the rest of {plan} is forfeited."),
            ("You can do both under Account, Plan.", "Both are found under Account, then Plan.", "Both need a call to our sales team."),
        ),
    ),
    Topic(
        ("The {product} shows error {error}, what is that?", "error {error} on my {product} after the power cut in {city}", "getting {error} again and again ({product}, firmware {version})"),
        (
            ("Error {error} means that the {product} lost its pairing key.", "With {error} the {product} says that its pairing key is gone.", "Error {error} means that the {product} is beyond repair."),
            ("Hold its button for 5 seconds until the light blinks blue, then add it again in the app under Devices.", "Press the button for 5 seconds, wait for a blinking blue light and add it under Devices again.", "Hold its button for 30 seconds, which also resets the hub and all other devices."),
            ("Schedules come back by themselves once it is paired.", "After pairing, the schedules return on their own.", "Schedules have to be written anew."),
        ),
    ),
    Topic(
        ("Does the {product} work with the {other}?", "can I combine {product} and {other} in one automation?", "I have a {other}, is the {product} compatible with it?"),
        (
            ("Yes, the {product} and the {other} work together through the app.", "They do: the {product} and the {other} can be combined in the app.", "No, the {product} and the {other} cannot be used in one home."),
            ("Create it under Automations, New, and pick the {product} as the trigger.", "Under Automations choose New and take the {product} as the trigger.", "You need a third-party service for that."),
            ("Both have to be on firmware {version} or later.", "Firmware {version} or newer is needed on the two devices.", "Both have to stay below firmware {version}."),
        ),
        ("", "Good choice."),
    ),
    Topic(
        ("The {product} got {amount} cheaper a week after I bought it.", "you lowered the price of the {product}, can I get the difference of {amount} back? order {order}", "price dropped right after my purchase, order {order}"),
        (
            ("Within 14 days of the purchase we refund the difference, here {amount}.", "Our price promise covers 14 days, so you get the difference of {amount}.", "Within 90 days of the purchase we refund the difference, here {wrong_amount}."),
            ("It goes back to your original means of payment within 5 working days.", "You see it on the original means of payment within 5 working days.", "It is paid out as points."),
            ("I have noted it on order {order}.", "It is recorded on {order} now.", "Please send {wrong_order} back and order again."),
        ),
    ),
    Topic(
        ("Can I change the delivery address of {order} to {city}?", "moved to {city}, order {order} still goes to the old address!", "Please send {order} to my office in {city} instead."),
        (
            ("As long as {order} has not been dispatched you can change it under Account, Orders.", "Before dispatch the address of {order} can be changed under Account, Orders.", "The address of {wrong_order} can be changed at any time by the driver."),
            ("Once it is on its way, use the carrier's link in the dispatch e-mail to redirect it.", "After dispatch, redirect it with the carrier's link in our e-mail.", "Once it is on its way, refuse the parcel and pay for a new delivery."),
            ("A redirection to {city} adds about one working day.", "Expect roughly one more working day for {city}.", "A redirection to {city} costs {wrong_amount}."),
        ),
    ),
    Topic(
        ("The battery of my {product} only lasts {days} days.", "{product} battery empty after {days} days, normal?", "I recharge the {product} every {days} days. Is it faulty?"),
        (
            ("{days} days is too short; the {product} should last about 3 months.", "The {product} should run for about 3 months, so {days} days is not normal.", "{days} days is normal for the {product}."),
            ("Set motion sensitivity to medium and see that its signal has at least two bars.", "Lower the motion sensitivity to medium and check for two bars of signal.", "Set motion sensitivity to high, which saves energy."),
            ("If it does not change within a week, we exchange the battery under warranty.", "No better after a week? Then the battery is exchanged under warranty.", "Batteries are not covered by the warranty."),
        ),
        ("Thanks for the details.", ""),
    ),
    Topic(
        ("I need an invoice with VAT number for {order}.", "can you send the invoice of {order} made out to my company?", "invoice for {order} ({amount}) is missing our company name"),
        (
            ("You find the invoice of {order} under Account, Orders, Documents.", "The invoice of {order} is under Account, Orders, Documents.", "We do not write invoices for {wrong_order}."),
            ("Enter the company name and VAT number there and choose Reissue.", "Add company name and VAT number there, then press Reissue.", "The VAT number can no longer be added."),
            ("The amount of {amount} stays the same.", "Nothing changes about the amount of {amount}.", "The amount becomes {wrong_amount}."),
        ),
    ),
    Topic(
        ("Someone else can see my {product}. I want them out of my account now.", "how do i remove my ex from the {product} app", "There is an unknown user on my {plan} plan since {date}."),
        (
            ("Open Account, People, choose the person and then Remove; access ends at once.", "Under Account, People, pick the person and Remove, which works immediately.", "Removing people takes until the next renewal."),
            ("Then change your password and sign out all devices under Security.", "After that change the password and use Security, Sign out everywhere.", "There is no need to change your password."),
            ("The list of sign-ins since {date} is under Security as well.", "Security also shows every sign-in since {date}.", "We can tell you their address if you like."),
        ),
        ("", "Let us do that right away."),
    ),
)  # fmt: skip
