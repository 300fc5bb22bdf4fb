import { join } from 'node:path';
import { Eta } from 'eta';
import { type Clock, systemClock } from '../clock.ts';
import type { LocalText } from '../config/tenant/tenant-definition.ts';
import { openAssetUrls } from './asset-urls.ts';
import { readableOn } from './brand-color.ts';
import { textIn } from './local-text.ts';
import type { Pages } from './pages.ts';
import { safeImage, safeLink } from './safe-url.ts';
import { locales, openTexts, type TextsOfLocales } from './texts.ts';

export interface PagesOptions {
  /** The folder `views/`. */
  readonly directory: string;
  /** For "2 minutes ago". */
  readonly clock?: Clock;
  /** Default: those of the folder. */
  readonly texts?: TextsOfLocales;
}

/** The name on pages that belong to no tenant. */
const serverColor = '#2f5aa8';

const initial = (name: string): string => {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return first?.segment.toUpperCase() ?? '·';
};

/** Reads templates, texts and assets once; `render` does no IO after a template's first use. */
export const openPages = ({ directory, clock = systemClock, ...options }: PagesOptions): Pages => {
  const eta = new Eta({ views: directory, autoEscape: true, cache: true, autoTrim: [false, 'nl'] });
  const texts = options.texts ?? openTexts(join(directory, 'locales'), clock);
  const assets = openAssetUrls(join(directory, 'assets'));
  return {
    render: (name, model, look) =>
      eta.render(name, {
        model,
        look,
        locales,
        ...texts[look.locale],
        textsOf: texts,
        asset: (name: string) => (look.assetsBelow ?? '') + assets.file(name),
        hasAsset: (name: string) => assets.names.has(name),
        textIn: (text: LocalText) => textIn(text, look.locale),
        brandUrl: (look.assetsBelow ?? '') + assets.brand(look.tenant?.branding.color ?? serverColor),
        color: look.tenant?.branding.color ?? serverColor,
        safeLink,
        safeImage,
        readableOn,
        initial,
      }),
  };
};
