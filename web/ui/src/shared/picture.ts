/** A photo made small on the device, before it is kept or sent. */

const LONGEST_PX = 1600;
const QUALITY = 0.8;

/** Return a JPEG no longer than 1600 px on a side, upright; metadata is gone with the redrawing. */
export async function shrink(file: Blob, longest = LONGEST_PX): Promise<Blob> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("this browser cannot draw pictures");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(picture, 0, 0, width, height);
  picture.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((made) => (made ? resolve(made) : reject(new Error("the picture cannot be made smaller"))), "image/jpeg", QUALITY);
  });
}
