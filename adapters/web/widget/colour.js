// One accent colour comes from the site; what is written on it and with it must stay readable.

const READABLE = 4.6;
const LIGHT = [255, 255, 255];
const INK = [20, 22, 26];
const DARK_SURFACE = [28, 30, 36];

/** The custom properties for an accent such as "#0f5c4a"; null for anything that is not six hex digits. */
export function accents(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour || "")) return null;
  const accent = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const onLight = until(accent, inkOn(accent) === LIGHT ? 0 : 1, isWritable);
  // In the dark a nearly black accent would vanish: lift it until it stands out from the surface.
  const seen = until(onLight, 1, (each) => contrast(each, DARK_SURFACE) >= 2.2);
  const onDark = until(seen, inkOn(seen) === LIGHT ? 0 : 1, isWritable);
  return {
    "--accent-on-light": css(onLight),
    "--accent-on-dark": css(onDark),
    "--ink-on-light-accent": css(inkOn(onLight)),
    "--ink-on-dark-accent": css(inkOn(onDark)),
    "--accent-ink-on-light": css(until(accent, 0, (each) => contrast(each, [241, 242, 245]) >= READABLE)),
    "--accent-ink-on-dark": css(until(accent, 1, (each) => contrast(each, [44, 47, 56]) >= READABLE)),
  };
}

function inkOn(colour) {
  return contrast(LIGHT, colour) >= Math.min(READABLE, contrast(INK, colour)) ? LIGHT : INK;
}

function isWritable(colour) {
  return contrast(inkOn(colour), colour) >= READABLE;
}

/** The same hue, lighter (`end` 1) or darker (0) until it is enough. */
function until(colour, end, isEnough) {
  const [hue, saturation, lightness] = toHsl(colour);
  for (let share = 0; share <= 1; share += 0.02) {
    // Pale colours of full saturation glare.
    const calm = Math.min(saturation, 1 - 0.5 * share);
    const mixed = share === 0 ? colour : fromHsl(hue, calm, lightness + (end - lightness) * share);
    if (isEnough(mixed)) return mixed;
  }
  return end ? LIGHT : [0, 0, 0];
}

function toHsl(colour) {
  const [red, green, blue] = colour.map((part) => part / 255);
  const high = Math.max(red, green, blue);
  const span = high - Math.min(red, green, blue);
  const lightness = high - span / 2;
  if (span === 0) return [0, 0, lightness];
  const sector =
    high === red ? (green - blue) / span : high === green ? 2 + (blue - red) / span : 4 + (red - green) / span;
  return [(sector * 60 + 360) % 360, span / (1 - Math.abs(2 * lightness - 1)), lightness];
}

function fromHsl(hue, saturation, lightness) {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((offset) => {
    const at = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
  });
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;
