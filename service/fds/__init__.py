"""SAMPLE: fraud detection. Delete the folder to fork without it."""
