"""Files that travel with the code, such as the settings of each environment."""
