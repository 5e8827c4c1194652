"""What a player sees because of who they are: conditions on user attributes, rules, the say of a partner."""
