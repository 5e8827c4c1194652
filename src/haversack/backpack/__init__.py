"""The Backpack: items that wait for a player until they are received in a game."""
