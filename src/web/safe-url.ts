/** No template engine stops `javascript:` in an attribute, so every URL that goes into one passes here. */

const parse = (url: string): URL | undefined => {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
};

/** The URL, if it is http, https or a path, query or fragment of this host; else undefined. */
export const safeLink = (url: string | undefined): string | undefined => {
  if (url === undefined) return undefined;
  // Browsers read a backslash as a slash and drop tabs and line ends: `/\host` would leave this host.
  if (/^[/?#]/.test(url)) return /^\/[/\\]|[\\\p{Cc}]/u.test(url) ? undefined : url;
  const parsed = parse(url);
  return parsed?.protocol === 'https:' || parsed?.protocol === 'http:' ? parsed.href : undefined;
};

/** The URL, if it is https, http or an inline picture; else undefined. Scripts in an SVG do not run in `img`. */
export const safeImage = (url: string | undefined): string | undefined => {
  if (url === undefined) return undefined;
  if (/^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml)[;,]/i.test(url)) return url;
  const parsed = parse(url);
  return parsed?.protocol === 'https:' || parsed?.protocol === 'http:' ? parsed.href : undefined;
};
