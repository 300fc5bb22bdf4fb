// Serves the three files of the app. Any server of static files does.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { ISSUER = 'http://localhost:3000/oauth/examples', PORT = '8107' } = process.env;
const library = createRequire(import.meta.url).resolve('oidc-client-ts').replace(/umd|esm/, 'browser');
const here = (name) => readFileSync(new URL(name, import.meta.url));
const files = {
  '/': ['text/html', here('index.html')],
  '/app.js': ['text/javascript', here('app.js')],
  '/oidc-client-ts.js': ['text/javascript', readFileSync(library)],
  '/settings.json': ['application/json', JSON.stringify({ issuer: ISSUER })],
};

createServer((req, res) => {
  const [type, content] = files[req.url.split('?')[0]] ?? [];
  if (type === undefined) return res.writeHead(404).end();
  return res.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }).end(content);
}).listen(Number(PORT), 'localhost', () => console.log(`Open http://localhost:${PORT}/`));
