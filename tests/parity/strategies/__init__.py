"""Three strategies that between them use what lumibot offers: for whole runs, not for profit."""
