"""Where the next camera, station or patrol post pays most."""
