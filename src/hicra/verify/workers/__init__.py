"""The processes that do the algebra: started, fed, watched, and killed when late."""
