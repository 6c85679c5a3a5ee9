"""Images in files: read by bands of rows, scaled, with the pixels that hold no data, and written.

Data and prediction stand on it.
"""
