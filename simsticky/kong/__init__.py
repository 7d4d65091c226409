"""What Kong Gateway decides: targets, balancers, cookies, attempts. Pure: time and luck are arguments."""
