"""Images in files, read and written in bands of rows, with their nodata pixels.

Data and prediction stand on it.
"""
