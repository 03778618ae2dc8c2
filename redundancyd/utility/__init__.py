"""What the operator sees and types: screens are pure text, the command line is made from the table of actions."""
