"""After a switch: does what a run promised still hold on the traffic that came since?"""
