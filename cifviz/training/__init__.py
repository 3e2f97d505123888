"""Training: one fit loop, augmentation, snapshots of a model while it learns."""
