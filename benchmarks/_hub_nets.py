"""Small networks of keras-hub with seeded random weights: every segmenter and depth estimator."""

from collections.abc import Callable
from typing import Any

SIZE = 96


def segformer() -> Any:
    """SegFormer on a MiT of two layers a stage."""
    from keras_hub import models

    encoder = models.MiTBackbone(
        layerwise_depths=[2, 2, 2, 2],
        num_layers=4,
        layerwise_num_heads=[1, 2, 3, 4],
        layerwise_sr_ratios=[8, 4, 2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        image_shape=(SIZE, SIZE, 3),
        hidden_dims=[8, 16, 24, 32],
    )
    backbone = models.SegFormerBackbone(image_encoder=encoder, projection_filters=32)
    return models.SegFormerImageSegmenter(backbone=backbone, num_classes=4)


def _resnet() -> Any:
    from keras_hub import models

    return models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )


def deeplab_v3_plus() -> Any:
    """DeepLabv3+ on a ResNet, with the low-level features at stride 4."""
    from keras_hub import models

    backbone = models.DeepLabV3Backbone(
        image_encoder=_resnet(),
        low_level_feature_key="P2",
        spatial_pyramid_pooling_key="P4",
        dilation_rates=[6, 12, 18],
        upsampling_size=4,
        image_shape=(SIZE, SIZE, 3),
    )
    return models.DeepLabV3ImageSegmenter(backbone=backbone, num_classes=4, activation=None)


def basnet() -> Any:
    """BASNet on a ResNet."""
    from keras_hub import models

    backbone = models.BASNetBackbone(
        image_encoder=_resnet(),
        num_classes=1,
        projection_filters=64,
        image_shape=(SIZE, SIZE, 3),
    )
    return models.BASNetImageSegmenter(backbone)


def depth_anything() -> Any:
    """Depth Anything on a DINOv2 of four layers."""
    from keras_hub import models

    size = 98  # a multiple of the patch
    encoder = models.DINOV2Backbone(
        patch_size=14,
        num_layers=4,
        hidden_dim=32,
        num_heads=2,
        intermediate_dim=64,
        image_shape=(size, size, 3),
        position_embedding_shape=(140, 140),
    )
    backbone = models.DepthAnythingBackbone(
        image_encoder=encoder,
        reassemble_factors=[4, 2, 1, 0.5],
        neck_hidden_dims=[8, 12, 16, 24],
        fusion_hidden_dim=16,
        head_hidden_dim=8,
        head_in_index=-1,
        feature_keys=["stage1", "stage2", "stage3", "stage4"],
    )
    return models.DepthAnythingDepthEstimator(
        backbone=backbone, depth_estimation_type="relative", max_depth=None
    )


def sam_encoder() -> Any:
    """The image encoder of SAM, a ViTDet of four layers with windows of two tokens."""
    from keras_hub import models

    return models.ViTDetBackbone(
        hidden_size=32,
        num_layers=4,
        intermediate_dim=64,
        num_heads=2,
        global_attention_layer_indices=[1, 3],
        patch_size=16,
        num_output_channels=8,
        window_size=2,
        image_shape=(SIZE, SIZE, 3),
    )


def sam() -> Any:
    """SAM from the image to its masks and their scores, for one point of the foreground.

    keras-hub's encoders and decoder, joined as its `SAMImageSegmenter` joins them. That one takes
    prompts of any number, of which some may be none; here the prompt is a part of the model: the
    point, and the point of label -1 that keras-hub asks for where there is no box.
    """
    import keras
    from keras_hub import layers

    encoder, patches = sam_encoder(), SIZE // 16
    prompts = layers.SAMPromptEncoder(
        hidden_size=8,
        image_embedding_size=(patches, patches),
        input_image_size=(SIZE, SIZE),
        mask_in_channels=16,
    )
    decoder = layers.SAMMaskDecoder(
        num_layers=2,
        hidden_size=8,
        intermediate_dim=32,
        num_heads=2,
        embedding_dim=8,
        num_multimask_outputs=3,
        iou_head_depth=3,
        iou_head_hidden_dim=8,
    )

    class Point(keras.layers.Layer):
        """The prompt, once for each image."""

        def call(self, image: Any) -> Any:
            import numpy as np
            from keras import ops

            each = ops.sum(0 * image, axis=(1, 2, 3))[:, None]
            points = each[..., None] + np.array([[[40.0, 52.0], [0.0, 0.0]]], "float32")
            return points, each + np.array([[1.0, -1.0]], "float32")

    points, labels = Point(name="point")(encoder.input)
    embedded = prompts(points=points, labels=labels)
    masks = decoder(image_embeddings=encoder.output, **embedded)
    return keras.Model(encoder.input, masks)


NETS: dict[str, Callable[[], Any]] = {
    "SegFormer": segformer,
    "DeepLabV3+": deeplab_v3_plus,
    "BASNet": basnet,
    "Depth Anything": depth_anything,
    "SAM, image encoder": sam_encoder,
    "SAM, one point": sam,
}


INITIAL = ("BASNet",)
"""Networks so deep that larger kernels make them overflow."""


def network(name: str) -> Any:
    """A network away from its initial weights, where a branch may be zero."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(1)
    model = NETS[name]()
    rng = np.random.default_rng(1)
    for weight in model.weights:
        kept = name in INITIAL and len(weight.shape) > 1
        if "float" in weight.dtype and "seed" not in weight.path and not kept:
            weight.assign(weight + rng.uniform(0, 0.1, weight.shape))
    return model
