"""Health: whether this machine can give figures worth having, by checks that each know a remedy."""
