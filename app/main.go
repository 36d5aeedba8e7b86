package app

// Main runs the program.
func Main(args []string) int { return 0 }
