"""Strategy files as a user of lumibot writes them: nothing here imports anything but lumibot."""
