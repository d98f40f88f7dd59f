"""Array functions that the code of convolution and pooling calls (see `helpers` for how they are written).

Images are [batch, height, width, channels]. Convolution gathers the patches of some rows of output pixels into a
matrix, in cache-sized blocks, and multiplies it (im2col: Chellapilla, Puri & Simard 2006); its derivative with respect
to the input multiplies first and scatter-adds the patches.
"""

from __future__ import annotations

from typing import Any


def window_blocks(images: int, rows: int, row: int, limit: int) -> Any:
    # The images per block, and rows of each: whole images, or some rows of one, up to `limit` elements; `row` is the
    # number of elements per row.
    if rows * row <= limit:
        return min(images, limit // (rows * row)), rows
    return 1, max(limit // row, 1)


def window_span(first: int, last: int, step: int, offset: int, size: int) -> Any:
    # The outputs from `first` to `last` whose input at step * output + offset lies in 0 .. size, as slices: of the
    # outputs, and of the inputs.
    low = max(first, -(offset // step))
    high = max(min(last, (size - 1 - offset) // step + 1), low)
    start = max(step * low + offset, 0)
    return slice(low - first, high - first), slice(start, start + step * (high - low), step)


def window_patches(xp: Any, x: Any, first: int, rows: int, columns: int, kernel: Any, spread: Any, space: Any) -> Any:
    # The patches of `rows` rows of outputs from row `first` on in the images x: a view [image, row, column, kh, kw,
    # channel] of a padded copy, in `space`. `spread`: strides, dilations, padding at the top and left.
    (stride_y, stride_x), (dilation_y, dilation_x), (top, left) = spread
    height, width = (
        (rows - 1) * stride_y + (kernel[0] - 1) * dilation_y + 1,
        (columns - 1) * stride_x + (kernel[1] - 1) * dilation_x + 1,
    )
    padded = xp.reshape(space[: x.shape[0] * height * width * x.shape[3]], (x.shape[0], height, width, x.shape[3]))
    start = first * stride_y - top
    low, high = max(start, 0), min(start + height, x.shape[1])
    right = min(width - left, x.shape[2])
    if low > start or high < start + height or left or right < width:
        padded[...] = 0
    if low < high and right > 0:
        padded[:, low - start : high - start, left : left + right] = x[:, low:high, :right]
    image, line, pixel, channel = padded.strides
    return xp.lib.stride_tricks.as_strided(
        padded,
        (x.shape[0], rows, columns, *kernel, x.shape[3]),
        (image, line * stride_y, pixel * stride_x, line * dilation_y, pixel * dilation_x, channel),
    )


def window_matrix(xp: Any, patches: Any, space: Any) -> Any:
    # Patches as a matrix [outputs, kh kw channels]: transposed if that makes longer contiguous runs.
    images, rows, columns, kh, kw, channels = patches.shape
    size = kh * kw * channels
    flat = space[: images * rows * columns * size]
    if kw * channels < columns:
        xp.reshape(flat, (kh, kw, channels, images, rows, columns))[...] = xp.transpose(patches, (3, 4, 5, 0, 1, 2))
        return xp.transpose(xp.reshape(flat, (size, -1)))
    xp.reshape(flat, patches.shape)[...] = patches
    return xp.reshape(flat, (-1, size))


def window_rows(xp: Any, values: Any, space: Any) -> Any:
    # The pixels of some images as rows of a matrix, copied to `space` unless they are contiguous.
    if not values.flags.c_contiguous:
        flat = xp.reshape(space[: values.size], values.shape)
        flat[...] = values
        values = flat
    return xp.reshape(values, (-1, values.shape[3]))


def conv_scratch(outputs: Any, copies: int, channels: int, kernel: Any, filters: int, spread: Any) -> Any:
    # The block of a convolution: copies, images of each, rows of these (several copies share a block only if it holds
    # them whole), and the elements it needs for the patches, the padded images, the outputs.
    images, rows, columns = outputs
    size = kernel[0] * kernel[1] * channels
    images_per_copy = images // copies
    block_images, block_rows = window_blocks(images_per_copy, rows, columns * max(size, filters), 131072)
    block_copies = (
        window_blocks(copies, images_per_copy * rows, columns * max(size, filters), 131072)[0]
        if block_images == images_per_copy
        else 1
    )
    (stride_y, stride_x), (dilation_y, dilation_x), _ = spread
    height, width = (
        (block_rows - 1) * stride_y + (kernel[0] - 1) * dilation_y + 1,
        (columns - 1) * stride_x + (kernel[1] - 1) * dilation_x + 1,
    )
    pixels = block_copies * block_images * block_rows * columns
    return (block_copies, block_images, block_rows), (
        pixels * size,
        block_copies * block_images * height * width * channels,
        pixels * filters,
    )


def conv_blocks(images: int, rows: int, copies: int, block: Any) -> Any:
    # The copies, images and rows of each block, as slices.
    block_copies, block_images, block_rows = block
    images_per_copy = images // copies
    blocks = []
    for c in range(0, copies, block_copies):
        stop = min(c + block_copies, copies)
        for i in range(c * images_per_copy, stop * images_per_copy, block_copies * block_images):
            some_images = slice(i, min(i + block_copies * block_images, stop * images_per_copy))
            blocks += [
                (slice(c, stop), some_images, slice(r, min(r + block_rows, rows))) for r in range(0, rows, block_rows)
            ]
    return blocks


def conv_into(xp: Any, x: Any, w: Any, out: Any, spread: Any, groups: int, patches: Any, padded: Any) -> None:
    images, rows, columns, filters = out.shape
    kernel, channels, group_filters = w.shape[-4:-2], w.shape[-2], filters // groups
    weights = xp.reshape(w, (-1, kernel[0] * kernel[1] * channels, filters))
    copies = len(weights)
    block, _ = conv_scratch((images, rows, columns), copies, channels, kernel, filters, spread)
    for copy_range, i, r in conv_blocks(images, rows, copies, block):
        y = out[i, r]
        pixels = xp.reshape(y, (copy_range.stop - copy_range.start, -1, filters))
        for k in range(groups):
            group_input = x[i, :, :, k * channels : (k + 1) * channels]
            view = window_patches(xp, group_input, r.start, y.shape[1], columns, kernel, spread, padded)
            matrix = xp.reshape(window_matrix(xp, view, patches), (len(pixels), -1, weights.shape[1]))
            some_filters = slice(k * group_filters, (k + 1) * group_filters)
            xp.matmul(matrix, weights[copy_range, :, some_filters], out=pixels[:, :, some_filters])


def conv_weight_into(
    xp: Any, x: Any, g: Any, out: Any, spread: Any, groups: int, patches: Any, padded: Any, spare: Any, partial: Any
) -> None:
    images, rows, columns, filters = g.shape
    kernel, channels, group_filters = out.shape[-4:-2], out.shape[-2], filters // groups
    total = xp.reshape(out, (-1, kernel[0] * kernel[1] * channels, filters))
    total[...] = 0
    copies = len(total)
    block, _ = conv_scratch((images, rows, columns), copies, channels, kernel, filters, spread)
    for copy_range, i, r in conv_blocks(images, rows, copies, block):
        count = copy_range.stop - copy_range.start
        pixels = xp.reshape(window_rows(xp, g[i, r], spare), (count, -1, filters))
        for k in range(groups):
            group_input = x[i, :, :, k * channels : (k + 1) * channels]
            view = window_patches(xp, group_input, r.start, r.stop - r.start, columns, kernel, spread, padded)
            matrix = xp.reshape(window_matrix(xp, view, patches), (count, -1, total.shape[1]))
            some_filters = slice(k * group_filters, (k + 1) * group_filters)
            xp.matmul(xp.transpose(matrix, (0, 2, 1)), pixels[:, :, some_filters], out=partial[:count])
            xp.add(total[copy_range, :, some_filters], partial[:count], out=total[copy_range, :, some_filters])


def conv_input_into(xp: Any, g: Any, w: Any, out: Any, spread: Any, groups: int, patches: Any, spare: Any) -> None:
    images, rows, columns, filters = g.shape
    kernel, channels, group_filters = w.shape[-4:-2], w.shape[-2], filters // groups
    weights = xp.transpose(xp.reshape(w, (-1, kernel[0] * kernel[1] * channels, filters)), (0, 2, 1))
    copies, _, size = weights.shape
    block, _ = conv_scratch((images, rows, columns), copies, channels, kernel, filters, spread)
    (stride_y, stride_x), (dilation_y, dilation_x), (top, left) = spread
    out[...] = 0
    for copy_range, i, r in conv_blocks(images, rows, copies, block):
        y = g[i, r]
        pixels = xp.reshape(window_rows(xp, y, spare), (copy_range.stop - copy_range.start, -1, filters))
        for k in range(groups):
            matrix = xp.reshape(patches[: pixels.size // filters * size], (*pixels.shape[:2], size))
            some_filters = slice(k * group_filters, (k + 1) * group_filters)
            xp.matmul(pixels[:, :, some_filters], weights[copy_range, some_filters], out=matrix)
            patch = xp.reshape(matrix, (*y.shape[:3], *kernel, channels))
            target_images = out[i, :, :, k * channels : (k + 1) * channels]
            for a in range(kernel[0]):
                from_rows, to_rows = window_span(r.start, r.stop, stride_y, a * dilation_y - top, out.shape[1])
                for b in range(kernel[1]):
                    from_columns, to_columns = window_span(0, columns, stride_x, b * dilation_x - left, out.shape[2])
                    target = target_images[:, to_rows, to_columns]
                    xp.add(target, patch[:, from_rows, from_columns, a, b], out=target)


def conv(xp: Any, x: Any, w: Any, size: Any, spread: Any, groups: int) -> Any:
    copies = len(w) if w.ndim == 5 else 1
    _, sizes = conv_scratch((len(x), *size), copies, w.shape[-2], w.shape[-4:-2], w.shape[-1], spread)
    out = xp.empty((len(x), *size, w.shape[-1]), x.dtype)
    conv_into(xp, x, w, out, spread, groups, *(xp.empty(n, x.dtype) for n in sizes[:2]))
    return out


def conv_weight(xp: Any, x: Any, g: Any, size: Any, spread: Any, groups: int, copies: Any) -> Any:
    channels, filters = x.shape[3] // groups, g.shape[3]
    block, sizes = conv_scratch(g.shape[:3], copies or 1, channels, size, filters, spread)
    out = xp.empty((*([copies] if copies else []), *size, channels, filters), x.dtype)
    piece = (block[0], size[0] * size[1] * channels, filters // groups)
    conv_weight_into(xp, x, g, out, spread, groups, *(xp.empty(n, x.dtype) for n in (*sizes, piece)))
    return out


def conv_input(xp: Any, g: Any, w: Any, size: Any, spread: Any, groups: int) -> Any:
    copies = len(w) if w.ndim == 5 else 1
    _, (patches, _, spare) = conv_scratch(g.shape[:3], copies, w.shape[-2], w.shape[-4:-2], w.shape[-1], spread)
    out = xp.empty((len(g), *size, groups * w.shape[-2]), g.dtype)
    conv_input_into(xp, g, w, out, spread, groups, xp.empty(patches, g.dtype), xp.empty(spare, g.dtype))
    return out


def window_slices(x: Any, out: Any, kernel: Any, spread: Any) -> Any:
    # For each position in the window, in row-major order: the outputs that read a pixel there, and those pixels.
    (stride_y, stride_x), (dilation_y, dilation_x), (top, left) = spread
    pairs = []
    for a in range(kernel[0]):
        from_rows, to_rows = window_span(0, out.shape[1], stride_y, a * dilation_y - top, x.shape[1])
        for b in range(kernel[1]):
            from_columns, to_columns = window_span(0, out.shape[2], stride_x, b * dilation_x - left, x.shape[2])
            pairs.append((out[:, from_rows, from_columns], x[:, to_rows, to_columns]))
    return pairs


def window_max_into(xp: Any, x: Any, out: Any, kernel: Any, spread: Any) -> None:
    out[...] = -xp.inf
    for target, pixels in window_slices(x, out, kernel, spread):
        xp.maximum(target, pixels, out=target)


def window_max(xp: Any, x: Any, size: Any, kernel: Any, spread: Any) -> Any:
    out = xp.empty((len(x), *size, x.shape[3]), x.dtype)
    window_max_into(xp, x, out, kernel, spread)
    return out


def window_first_into(xp: Any, x: Any, y: Any, out: Any, kernel: Any, spread: Any, hits: Any) -> None:
    # From last to first, so that the first one wins.
    out[...] = 0
    places = window_slices(x, out, kernel, spread)
    for k, ((target, pixels), (maximum, _), (hit, _)) in reversed(
        [*enumerate(zip(places, window_slices(x, y, kernel, spread), window_slices(x, hits, kernel, spread)))]
    ):
        xp.equal(pixels, maximum, out=hit)
        xp.copyto(target, k, where=hit)


def window_first(xp: Any, x: Any, y: Any, kernel: Any, spread: Any) -> Any:
    out = xp.empty(y.shape, xp.int32)
    window_first_into(xp, x, y, out, kernel, spread, xp.empty(y.shape, xp.bool_))
    return out


def window_put_into(xp: Any, g: Any, places: Any, out: Any, kernel: Any, spread: Any, hits: Any, spare: Any) -> None:
    out[...] = 0
    slices = [window_slices(out, v, kernel, spread) for v in (g, places, hits, spare)]
    for k, ((value, pixels), (position, _), (hit, _), (part, _)) in enumerate(zip(*slices)):
        xp.equal(position, k, out=hit)
        xp.multiply(value, hit, out=part)
        xp.add(pixels, part, out=pixels)


def window_put(xp: Any, g: Any, places: Any, size: Any, kernel: Any, spread: Any) -> Any:
    out = xp.empty((len(g), *size, g.shape[3]), g.dtype)
    window_put_into(xp, g, places, out, kernel, spread, xp.empty(g.shape, xp.bool_), xp.empty(g.shape, g.dtype))
    return out


def window_take_into(xp: Any, x: Any, places: Any, out: Any, kernel: Any, spread: Any, hits: Any) -> None:
    out[...] = 0
    slices = [window_slices(x, v, kernel, spread) for v in (out, places, hits)]
    for k, ((target, pixels), (position, _), (hit, _)) in enumerate(zip(*slices)):
        xp.equal(position, k, out=hit)
        xp.copyto(target, pixels, where=hit)


def window_take(xp: Any, x: Any, places: Any, kernel: Any, spread: Any) -> Any:
    out = xp.empty(places.shape, x.dtype)
    window_take_into(xp, x, places, out, kernel, spread, xp.empty(places.shape, xp.bool_))
    return out


def window_sum_into(xp: Any, x: Any, out: Any, kernel: Any, spread: Any) -> None:
    out[...] = 0
    for target, pixels in window_slices(x, out, kernel, spread):
        xp.add(target, pixels, out=target)


def window_sum(xp: Any, x: Any, size: Any, kernel: Any, spread: Any) -> Any:
    out = xp.empty((len(x), *size, x.shape[3]), x.dtype)
    window_sum_into(xp, x, out, kernel, spread)
    return out


def window_spread_into(xp: Any, g: Any, out: Any, kernel: Any, spread: Any) -> None:
    out[...] = 0
    for value, pixels in window_slices(out, g, kernel, spread):
        xp.add(pixels, value, out=pixels)


def window_spread(xp: Any, g: Any, size: Any, kernel: Any, spread: Any) -> Any:
    out = xp.empty((len(g), *size, g.shape[3]), g.dtype)
    window_spread_into(xp, g, out, kernel, spread)
    return out
