"""What happens now: notices of the database, heard once a process and told to whoever waits."""
