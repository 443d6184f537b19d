"""Where an address is: read apart, looked up among what is known, told with how sure it is."""
