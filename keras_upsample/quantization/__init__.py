"""Post-training quantization: calibration, equalisation, GPTQ rounding, errors per layer.

Calibration by example images (`_calibration`) and the ranges of activations (`_ranges`),
cross-layer equalisation (`_channels`, `_equalise`), GPTQ (`_gptq`, `_round`, with convolutions as
matrices by `_im2col`), errors of single operators (`_layer_errors`), stand-ins for operators that
devices lack (`_windows`, `_sharpness`), and layers on lines as layers on images (`_lines`).
"""
