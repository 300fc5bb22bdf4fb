export default async () => {
  await globalThis.drawbridgeMongod?.stop();
  await globalThis.drawbridgeRunFolder.remove();
};
