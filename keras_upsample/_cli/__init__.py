"""Commands, options and helpers of the command line."""
