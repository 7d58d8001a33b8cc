"""What a service is, and which services own a changed file: a map, Backstage or CODEOWNERS. Pure."""
