"""What tests and plugin authors use in place of the real thing: scripted parts that honour the ports."""
