"""A smart card in software, built to the wire and sharing no code with the driver in `hw.card`.

`card` is the chip's outside: power, commands, faults; it hands commands to the selected application. `jpki` is the one
application there is; `profile` says as data which files, passwords and keys a card of a kind has. `memory` is what
survives power loss. `vpcd` and `command` put the card on a real pcscd.
"""
