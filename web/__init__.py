"""What people see: command line, maps and pages."""
