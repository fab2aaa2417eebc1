/**
 * The map of the world as shapes: the centre's own GeoJSON where the server has one, else Natural Earth's outlines of 1 : 110 million
 * (public domain, from world-atlas). Those outlines are too coarse for islands; the archipelagos Hoàng Sa and Trường Sa, which Vietnamese
 * law demands on every map, are added as points of Vietnam.
 */
import type { FeatureCollection, Geometry, Position } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json?url";
import { get } from "../api/client";
import { alpha2 } from "./countries";

export interface Shape {
  key: string;
  /** ISO 3166-1 alpha-2; `null`: none that addresses are told by. */
  code: string | null;
  /** Outlines as an SVG path. */
  path: string;
  /** Islands too small to have an outline. */
  points: [number, number][];
}

export const WIDTH = 1000;
export const HEIGHT = 440;
/** Latitudes shown: what lies beyond has hardly an address. */
const NORTH = 80;
const SOUTH = -57;

const rad = (degrees: number): number => (degrees * Math.PI) / 180;

/** Natural Earth's projection (Šavrič, Jenny and others, 2011), without its scale. */
function natural(lon: number, lat: number): [number, number] {
  const p = rad(lat);
  const p2 = p * p;
  const p4 = p2 * p2;
  const x = rad(lon) * (0.8707 - 0.131979 * p2 + p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4)));
  const y = p * (1.007226 + p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4)));
  return [x, y];
}

const TOP = natural(0, NORTH)[1];
const BOTTOM = natural(0, SOUTH)[1];
const SCALE = Math.min(WIDTH / (2 * natural(180, 0)[0]), HEIGHT / (TOP - BOTTOM));

/** Where a place is drawn. */
export function project(lon: number, lat: number): [number, number] {
  const [x, y] = natural(lon, Math.max(SOUTH, Math.min(NORTH, lat)));
  return [WIDTH / 2 + x * SCALE, (TOP - y) * SCALE];
}

const at = (place: Position): [number, number] => project(place[0] ?? 0, place[1] ?? 0);

/** Longitudes without a jump: what crosses the date line goes on east of it instead of turning back across the whole map. */
function unwrapped(places: Position[]): Position[] {
  let turn = 0;
  let before = places[0]?.[0] ?? 0;
  const straight = places.map(([lon = 0, lat = 0]): Position => {
    if (lon - before > 180) turn -= 360;
    else if (before - lon > 180) turn += 360;
    before = lon;
    return [lon + turn, lat];
  });
  return straight.some(([lon = 0]) => lon < -181) ? straight.map(([lon = 0, lat = 0]) => [lon + 360, lat]) : straight;
}

function ring(places: Position[]): string {
  const drawn = unwrapped(places).map((place) =>
    at(place)
      .map((n) => n.toFixed(1))
      .join(","),
  );
  return drawn.length > 2 ? `M${drawn.join("L")}Z` : "";
}

function outline(geometry: Geometry | null): string {
  if (geometry?.type === "Polygon") return geometry.coordinates.map(ring).join("");
  if (geometry?.type === "MultiPolygon") return geometry.coordinates.flat().map(ring).join("");
  return geometry?.type === "GeometryCollection" ? geometry.geometries.map(outline).join("") : "";
}

function dots(geometry: Geometry | null): [number, number][] {
  if (geometry?.type === "Point") return [at(geometry.coordinates)];
  if (geometry?.type === "MultiPoint") return geometry.coordinates.map(at);
  return geometry?.type === "GeometryCollection" ? geometry.geometries.flatMap(dots) : [];
}

/**
 * Islands of the two archipelagos: longitude, latitude. To a hundredth of a degree, a thirtieth of a pixel here; those that Natural
 * Earth's 1 : 10 million draws stand where it has them. The first of each is where the name is written.
 */
export const ARCHIPELAGOS = {
  hoang_sa: [
    [111.6, 16.53], // Hoàng Sa
    [112.34, 16.83], // Phú Lâm
    [112.34, 16.93], // Đảo Cây, Đảo Bắc
    [112.73, 16.67], // Linh Côn
    [111.2, 15.78], // Tri Tôn
    [111.76, 16.05], // Bạch Quy
    [111.73, 16.45], // Quang Hòa
  ],
  truong_sa: [
    [111.92, 8.64], // Trường Sa
    [114.33, 11.43], // Song Tử Tây, Song Tử Đông
    [114.28, 11.05], // Thị Tứ
    [115.02, 11.08], // Bến Lạc
    [114.42, 10.67], // Loại Ta
    [115.8, 10.73], // Vĩnh Viễn
    [114.48, 10.38], // Sơn Ca
    [114.36, 10.38], // Ba Bình
    [114.36, 10.18], // Nam Yết
    [114.33, 9.89], // Sinh Tồn
    [113.7, 8.97], // Phan Vinh
    [112.92, 7.88], // An Bang
  ],
} as const;

type World = { shapes: Shape[]; own: boolean };

function shapesOf(map: FeatureCollection, code: (f: FeatureCollection["features"][number]) => string | null): Shape[] {
  return map.features.map((f, i) => ({ key: String(i), code: code(f), path: outline(f.geometry), points: dots(f.geometry) }));
}

async function bundled(signal: AbortSignal): Promise<World> {
  const topology = (await (await fetch(atlas, { signal })).json()) as Topology<{ countries: GeometryCollection }>;
  const land = feature(topology, topology.objects.countries);
  const shapes = shapesOf(land, (f) => alpha2(f.id)).filter((shape) => shape.code !== "AQ");
  const islands = Object.values(ARCHIPELAGOS).flatMap((list) => list.map(([lon, lat]) => project(lon, lat)));
  return { shapes: [...shapes, { key: "islands", code: "VN", path: "", points: islands }], own: false };
}

/** The map to draw. */
export async function world(signal: AbortSignal): Promise<World> {
  const own = await get<FeatureCollection | null>("/map", {}, signal);
  if (!own) return bundled(signal);
  return { shapes: shapesOf(own, (f) => (typeof f.properties?.iso_a2 === "string" ? f.properties.iso_a2.toUpperCase() : null)), own: true };
}
