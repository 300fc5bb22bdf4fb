import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../src/package-root.ts';
import { brandColors, brandStylesheet, contrast, readableOn, surfaces } from '../../src/web/brand-color.ts';

const anyColor = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`);
const anyMode = fc.constantFrom('light' as const, 'dark' as const);

describe('contrast', () => {
  it('is what WCAG defines', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(contrast('#ff0000', '#ffffff')).toBeCloseTo(4.0, 2);
    expect(contrast('#123456', '#123456')).toBe(1);
  });
});

describe('the colours of any brand', () => {
  it('can be read: 4.5 for text, 3 for the outline of the button', () => {
    fc.assert(
      fc.property(anyColor, anyMode, (color, mode) => {
        const { fill, fillHover, onFill, edge, accent } = brandColors(color, mode);
        const { page, card } = surfaces[mode];
        expect(contrast(onFill, fill)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(onFill, fillHover)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(accent, page)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(accent, card)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(edge, card)).toBeGreaterThanOrEqual(3);
        expect(contrast(readableOn(color), color)).toBeGreaterThanOrEqual(4.5);
      }),
      {
        numRuns: 3000,
        examples: [
          ['#ffff00', 'light'],
          ['#000080', 'dark'],
          ['#ff0000', 'light'],
          ['#757575', 'dark'],
        ],
      },
    );
  });

  it('are the brand itself where it can be read already', () => {
    expect(brandColors('#2f5aa8', 'light').fill).toBe('#2f5aa8');
    expect(brandColors('#2f5aa8', 'light').accent).toBe('#2f5aa8');
  });
});

describe('the stylesheet of a brand', () => {
  it('sets the same properties for light and dark', () => {
    const css = brandStylesheet('#c2410c');
    expect(css.match(/--accent:#[0-9a-f]{6}/g)).toHaveLength(2);
    expect(css.match(/--(brand|brand-hover|brand-edge|on-brand):#[0-9a-f]{6}/g)).toHaveLength(8);
    expect(css).toContain('@media (prefers-color-scheme:dark)');
  });

  it('was computed for the grounds that the common stylesheet paints', () => {
    const css = readFileSync(join(packageRoot(), 'views/assets/drawbridge.css'), 'utf8');
    const grounds = [...css.matchAll(/--page: (#\w+);\s+--card: (#\w+);/g)].map(([, page, card]) => ({
      page,
      card,
    }));
    expect(grounds).toEqual([surfaces.light, surfaces.dark]);
  });
});
