"""What a seller sees: values in, Adaptive Card dicts out."""
