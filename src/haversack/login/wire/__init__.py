"""Bodies, queries and views of the Login calls. Unknown members are ignored; views leave nothing out."""
