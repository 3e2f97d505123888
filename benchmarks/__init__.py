"""How fast and how lean `integrate_and_fire` is beside other public CIFs: `make bench`."""
