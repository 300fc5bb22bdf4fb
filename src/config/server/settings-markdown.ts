import { settingsTable } from './settings-table.ts';

/** The table of settings for the README, between the markers of `readmeSettings`. */
export const settingsMarkdown = (): string =>
  [
    '| environment variable | default | |',
    '| --- | --- | --- |',
    ...settingsTable().map(
      ({ env, default: value, description }) =>
        `| \`${env}\` | ${value === undefined ? '–' : `\`${value}\``} | ${description.replace(/[|<]/g, '\\$&')} |`,
    ),
  ].join('\n');

const begin = '<!-- settings: written by npm run generate -->';
const end = '<!-- end of settings -->';

/**
 * The README with the current table of settings.
 * @throws Error when the markers are missing
 */
export const withSettings = (readme: string): string => {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has lost its markers ${begin} and ${end}`);
  return `${readme.slice(0, from + begin.length)}\n${settingsMarkdown()}\n${readme.slice(to)}`;
};
