"""Where the fee goes: the clerk's drawer, and devices that take coins by themselves, behind one deposit interface."""
