"""Pictures of what a packaged network is for: some calibrate 8-bit files, others test them."""

import numpy as np

from keras_upsample import data

Images = tuple[list[np.ndarray], dict[str, np.ndarray]]


def of_family(family: str, channels: int) -> Images | None:
    """Pictures for calibration, and others by name for tests; None for photographs of anything."""
    if family == "selfie":
        return portraits()
    if family == "dbnet":
        return pages()
    return scenes(channels) if family == "csmask" else None


def portraits() -> Images:
    """Parts of one portrait (NASA, public domain); tested on it, and on a man with a camera (CC0).

    Half of the calibration is crops and mirror images; the tests have the whole picture.
    """
    one = data.photograph("astronaut")
    crops = [
        one[:400, 50:450],
        one[:300, 100:400],
        one[40:512],
        one[:350, 60:410][:, ::-1],
        one[20:280, 120:380],
        one[:450, 62:512][:, ::-1],
    ]
    lights = [one[:450, :450] // 2, 255 - (255 - one[:, ::-1]) // 2]
    others = [data.photograph(name) for name in ("chelsea", "coffee", "rocket")]
    return [*crops, *lights, *others], {
        "astronaut": one,
        "camera": data.photograph("camera"),
    }


def pages() -> Images:
    """Text drawn on bricks, and scikit-image's scanned page and photographed text.

    Left halves of the first two calibrate, and the third; right halves test.
    """
    import skimage.data

    drawn = page()
    scan, photo = (
        np.stack([image] * 3, -1) for image in (skimage.data.page(), skimage.data.text())
    )
    parts = [
        drawn[:320, :320],
        drawn[96:416, :320],
        drawn[40:240, :200],
        scan[:, :191],
        scan[:160, :160],
        photo[:, :172],
        photo[:, 130:302],
        photo[:, 276:448],
    ]
    negative = [255 - parts[0], 255 - parts[3]]
    others = [data.photograph(name) for name in ("brick", "coffee")]
    return [*parts, *negative, *others], {
        "drawn": drawn[96:416, 320:],
        "page": scan[:, 190:381],
    }


def page() -> np.ndarray:
    """Lines of text that Pillow draws on a photograph of bricks (CC0), some of them askew."""
    from PIL import Image, ImageDraw

    result = Image.fromarray(data.photograph("brick")).convert("RGB").resize((640, 416))
    lines = (
        ("UPSAMPLING", 70, (40, 24), 0, "white"),
        ("every runtime gets the equal form", 26, (60, 120), 0, "black"),
        ("that it runs fastest there", 26, (60, 158), 0, "black"),
        ("askew, by eight degrees", 34, (150, 210), 8, "yellow"),
        ("12:45  Gleis 3  Basel", 30, (330, 330), -5, "navy"),
    )
    for text, size, place, degrees, colour in lines:
        layer = Image.new("RGBA", (600, 120))
        ImageDraw.Draw(layer).text((20, 30), text, fill=colour, font_size=size)
        turned = layer.rotate(degrees, Image.Resampling.BICUBIC)
        result.paste(turned, (place[0] - 20, place[1] - 30), turned)
    return np.asarray(result)


def scenes(bands: int) -> Images:
    """Synthetic scenes of eight seeds for calibration, and of a ninth for the test."""
    return [scene(bands, seed) for seed in range(1, 9)], {"synthetic": scene(bands)}


def scene(bands: int, seed: int = 0, side: int = 256) -> np.ndarray:
    """Reflectances of ground with bright blobs, and dark copies of these beside them."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    ground = np.array([0.06, 0.08, 0.09, 0.28, 0.22, 0.14])[:bands]
    bright = np.array([0.62, 0.6, 0.6, 0.65, 0.45, 0.35])[:bands]
    texture, cloud = (gaussian_filter(rng.normal(size=(side, side)), s) for s in (6, 14))
    cloud = np.clip((cloud / cloud.std() - 0.8) * 2, 0, 1)[..., None]
    image = ground * (1 + 0.15 * texture[..., None] / texture.std())
    image = image * (1 - 0.6 * np.roll(cloud, (18, 18), (0, 1)))
    return (image * (1 - cloud) + cloud * bright).astype("float32")


def large(family: str, channels: int) -> np.ndarray:
    """A picture with a side of 2048 pixels: parts of the others, side by side."""
    if family == "dbnet":
        return np.tile(page(), (5, 4, 1))[:2048, :2048]
    if family == "csmask":
        return scene(channels, side=2048)[:512]
    if family == "selfie":
        from PIL import Image

        portrait = Image.fromarray(data.photograph("astronaut"))
        return np.asarray(portrait.resize((2048, 2048), Image.Resampling.BICUBIC))
    one = data.photograph("astronaut")[40:232]
    return np.concatenate([one, one[:, ::-1]] * 2, 1)  # (192, 2048, 3)
