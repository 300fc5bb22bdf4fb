/**
 * Derives from one brand colour the few colours that a page needs, each of them readable for any brand.
 * Contrast is that of WCAG 2.2: 4.5 for text, 3 for the edge of a control.
 */

type Rgb = readonly [red: number, green: number, blue: number];

/** Backgrounds of the brand's colours; the same values as in views/assets/drawbridge.css. */
export const surfaces = {
  light: { page: '#f4f5f8', card: '#ffffff' },
  dark: { page: '#0d1014', card: '#171b21' },
} as const;

export interface BrandColors {
  /** Fill of the main button. */
  readonly fill: string;
  readonly fillHover: string;
  /** Text on `fill` and on `fillHover`. */
  readonly onFill: string;
  /** Outline of the main button. */
  readonly edge: string;
  /** Links, icons, focus rings on page and card. */
  readonly accent: string;
}

const white = '#ffffff';
const black = '#000000';
const textContrast = 4.5;
const edgeContrast = 3;

const toRgb = (hex: string): Rgb => [
  Number.parseInt(hex.slice(1, 3), 16),
  Number.parseInt(hex.slice(3, 5), 16),
  Number.parseInt(hex.slice(5, 7), 16),
];

const toHex = (rgb: Rgb): string =>
  `#${rgb.map((channel) => Math.round(channel).toString(16).padStart(2, '0')).join('')}`;

const linear = (channel: number): number => {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};

const luminance = (hex: string): number => {
  const [red, green, blue] = toRgb(hex);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
};

/** WCAG contrast ratio of two `#rrggbb` colours, 1 to 21. */
export const contrast = (one: string, other: string): number => {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
};

const mix = (from: string, to: string, share: number): string => {
  const target = toRgb(to);
  return toHex(
    toRgb(from).map((channel, i) => channel + ((target[i] ?? 0) - channel) * share) as unknown as Rgb,
  );
};

/** White where it can be read, as people expect of a button; black on brighter brands. */
export const readableOn = (color: string): string => (contrast(white, color) >= textContrast ? white : black);

/** The first colour between `color` and `target` that can be read. */
const shift = (color: string, target: string, reads: (candidate: string) => boolean): string => {
  for (let share = 0; share < 1; share += 0.02) {
    const candidate = mix(color, target, share);
    if (reads(candidate)) return candidate;
  }
  return target;
};

export const brandColors = (color: string, mode: 'light' | 'dark'): BrandColors => {
  const { page, card } = surfaces[mode];
  const accent = shift(
    color,
    mode === 'light' ? black : white,
    (candidate) => contrast(candidate, page) >= textContrast && contrast(candidate, card) >= textContrast,
  );
  // A red or orange that is nearly dark enough for white text is darkened a little, as a designer would do.
  const fill =
    contrast(white, color) >= edgeContrast
      ? shift(color, black, (candidate) => contrast(white, candidate) >= textContrast)
      : color;
  const onFill = readableOn(fill);
  return {
    fill,
    fillHover: mix(fill, onFill === white ? black : white, 0.14),
    onFill,
    // Yellow on white, navy on black: the fill keeps the colour of the brand, and its accent draws the outline.
    edge: contrast(fill, card) >= edgeContrast ? fill : accent,
    accent,
  };
};

const properties = ({ fill, fillHover, onFill, edge, accent }: BrandColors): string =>
  `--brand:${fill};--brand-hover:${fillHover};--on-brand:${onFill};--brand-edge:${edge};--accent:${accent}`;

/** The stylesheet of a brand. @param color `#rrggbb` */
export const brandStylesheet = (color: string): string =>
  [
    `:root{${properties(brandColors(color, 'light'))}}`,
    `@media (prefers-color-scheme:dark){:root{${properties(brandColors(color, 'dark'))}}}`,
    '',
  ].join('\n');
