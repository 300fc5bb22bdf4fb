// Writes what follows from the sources, from their built form: the JSON schemas of config/ and the table of settings
// in the README. `npm run generate`
import { readFile, writeFile } from 'node:fs/promises';
import { jsonSchemaFiles } from '../dist/src/config/json-schemas.js';
import { withSettings } from '../dist/src/config/server/settings-markdown.js';

const root = new URL('../', import.meta.url);
for (const [name, text] of Object.entries(jsonSchemaFiles()))
  await writeFile(new URL(`config/${name}`, root), text);

const readme = new URL('README.md', root);
await writeFile(readme, withSettings(await readFile(readme, 'utf8')));
