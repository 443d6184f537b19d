"""Cases: what they may become, who may move them, and until when."""
