"""Which merged pull requests a deployment brings, and since which previous one; rollback and lead time. Pure."""
