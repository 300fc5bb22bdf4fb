// Writes the JSON schemas of config/ from the built sources: npm run generate.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { jsonSchemaFiles } from '../dist/src/config/json-schemas.js';

for (const [name, text] of Object.entries(jsonSchemaFiles()))
  await writeFile(fileURLToPath(new URL(`../config/${name}`, import.meta.url)), text);
