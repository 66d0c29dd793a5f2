"""What the differential test is built from."""
