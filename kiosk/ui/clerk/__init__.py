"""The clerk's seat: the desk with its cases, and a screen for each question that a case asks the clerk."""
