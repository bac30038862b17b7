"""What an administrator does with a station: comparing its books after a restore."""
