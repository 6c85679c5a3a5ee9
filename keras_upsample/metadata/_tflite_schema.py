"""The tables of TFLite Metadata 1.5.0 that are written here, and their numbers.

After `metadata_schema.fbs` and `image_segmenter_metadata_schema.fbs` of MediaPipe
(https://github.com/google-ai-edge/mediapipe/tree/master/mediapipe/tasks/metadata).
"""

from ._flat import schema_of

ENTRY = "TFLITE_METADATA"
"""Name of the entry in a file's table of metadata."""
IDENTIFIER = b"M001"

SEGMENTER_ENTRY = "SEGMENTER_METADATA"
"""Name of the custom metadata that MediaPipe's ImageSegmenter reads."""
SEGMENTER_IDENTIFIER = b"V001"

NONE, SIGMOID, SOFTMAX = 0, 1, 2
"""What ImageSegmenter applies to an output."""

DESCRIPTIONS, AXIS_LABELS, VALUE_LABELS = 1, 2, 3
"""Types of associated files: a text; names of channels; names of values."""

UNKNOWN, RGB, GRAYSCALE = 0, 1, 2
"""Colour spaces."""

BASE_VERSION, CUSTOM_VERSION = "1.0.0", "1.5.0"
"""The oldest parser that reads a file without and with custom metadata."""

TABLES = schema_of("""
    AssociatedFile name:str description:str type:b locale:str version:str
    FeatureProperties
    ImageSize width:I height:I
    ImageProperties color_space:b default_size:ImageSize
    ValueRange min:i max:i
    Content content_properties:<FeatureProperties,ImageProperties> range:ValueRange
    NormalizationOptions mean:[f] std:[f]
    ScoreCalibrationOptions score_transformation:b default_score:f
    ScoreThresholdingOptions global_score_threshold:f
    ProcessUnit
        options:<NormalizationOptions,ScoreCalibrationOptions,ScoreThresholdingOptions>
    Stats max:[f] min:[f]
    TensorMetadata name:str description:str dimension_names:[str] content:Content
        process_units:[ProcessUnit] stats:Stats associated_files:[AssociatedFile]
    CustomMetadata name:str data:[B]
    SubGraphMetadata name:str description:str input_tensor_metadata:[TensorMetadata]
        output_tensor_metadata:[TensorMetadata] associated_files:[AssociatedFile]
        input_process_units:[ProcessUnit] output_process_units:[ProcessUnit]
        input_tensor_groups:[str] output_tensor_groups:[str] custom_metadata:[CustomMetadata]
    ModelMetadata name:str description:str version:str subgraph_metadata:[SubGraphMetadata]
        author:str license:str associated_files:[AssociatedFile] min_parser_version:str
    ImageSegmenterOptions activation:b min_parser_version:str
""")
