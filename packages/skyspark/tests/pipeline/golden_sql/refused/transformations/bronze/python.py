def python(lines):
    return lines
