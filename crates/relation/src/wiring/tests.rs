use p3_field::PrimeCharacteristicRing;

use super::*;
use crate::transcript::Transcript;

fn connections(map: &PixelMap, range: Range<usize>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    map.for_each(range, |to, from| found.push((to, from)));
    found
}

/// What the maps mean, pixel by pixel of one image.
fn literal(map: &PixelMap, image: usize) -> Vec<(usize, usize)> {
    let (source, target) = match *map {
        PixelMap::Same | PixelMap::Total { .. } => panic!("these know no images"),
        PixelMap::Window { source, target, .. } | PixelMap::Broadcast { source, target } | PixelMap::Inset { source, target, .. } => {
            (source, target)
        }
    };
    let mut found = Vec::new();
    for (y, x) in (0..target.height).flat_map(|y| (0..target.width).map(move |x| (y, x))) {
        let sources: Vec<usize> = match *map {
            PixelMap::Same | PixelMap::Total { .. } => vec![],
            PixelMap::Window { window, tap: None, .. } => {
                (0..window.num_taps()).filter_map(|tap| window.source(source, y, x, tap)).collect()
            }
            PixelMap::Window { window, tap: Some(tap), .. } => window.source(source, y, x, tap).into_iter().collect(),
            PixelMap::Broadcast { .. } => vec![y.min(source.height - 1) * source.width + x.min(source.width - 1)],
            PixelMap::Inset { top, left, .. } => {
                let within = (top..top + source.height).contains(&y) && (left..left + source.width).contains(&x);
                if within { vec![(y - top) * source.width + x - left] } else { vec![] }
            }
        };
        let to = image * target.num_pixels() + y * target.width + x;
        found.extend(sources.into_iter().map(|from| (to, image * source.num_pixels() + from)));
    }
    found
}

fn maps() -> Vec<PixelMap> {
    let (source, target) = (Shape::new(3, 4, 1), Shape::new(2, 3, 1));
    let window = Window { kernel_h: 2, kernel_w: 3, pad_left: 1, pad_top: 1, stride_h: 2, ..Window::POINT };
    let wide = Window { kernel_h: 3, kernel_w: 4, pad_left: 2, pad_top: 2, stride_w: 2, dilation_w: 2, ..Window::POINT };
    let mut maps = vec![
        PixelMap::Broadcast { source: Shape::new(1, 3, 1), target },
        PixelMap::Broadcast { source: Shape::new(2, 1, 1), target },
        PixelMap::Broadcast { source: Shape::new(1, 1, 1), target },
        PixelMap::Inset { source: Shape::new(1, 2, 1), target, top: 1, left: 0 },
        PixelMap::Inset { source: Shape::new(2, 1, 1), target, top: 0, left: 1 },
    ];
    for window in [window, wide] {
        let taps = std::iter::once(None).chain((0..window.num_taps()).map(Some));
        maps.extend(taps.map(|tap| PixelMap::Window { window, source, target, tap }));
    }
    maps
}

#[test]
fn images_of_a_batch_are_connected_like_one_and_not_with_each_other() {
    for map in maps() {
        let mut batch: Vec<_> = (0..3).flat_map(|image| literal(&map, image)).collect();
        batch.sort_unstable();
        for start in 0..18 {
            for end in start..=18 {
                let expected: Vec<_> = batch.iter().copied().filter(|(to, _)| (start..end).contains(to)).collect();
                let mut found = connections(&map, start..end);
                found.sort_unstable();
                assert_eq!(found, expected, "{map:?}");
            }
        }
    }
    assert_eq!(connections(&PixelMap::Same, 5..7), [(5, 5), (6, 6)]);
    assert_eq!(connections(&PixelMap::Total { len: 2 }, 0..1), [(0, 0), (0, 1)]);
}

#[test]
fn weights_are_applied_and_summed_as_they_would_be_written_out() {
    let mut transcript = Transcript::new();
    let (weights, values) = (transcript.challenges("weights", 18), transcript.challenges("values", 36));
    for map in maps().into_iter().chain([PixelMap::Same]) {
        for range in [0..18, 0..1, 3..4, 5..13, 7..7] {
            let weights = &weights[range.clone()];
            let mut written = Pixels::zeros(map.sources(range.clone()));
            map.pull_back(range.clone(), weights, K::ONE, &mut written);
            assert_eq!(map.pulled_back_sum(range.clone(), weights), written.values.iter().copied().sum());
            for sources in [0..36, 4..5, 8..24, 9..9] {
                let (first, within) = written.within(sources.clone());
                let expected = within.iter().zip(first..).map(|(&weight, source)| weight * values[source]).sum();
                assert_eq!(map.apply(range.clone(), weights, sources.clone(), &values[sources]), expected, "{map:?}");
            }
        }
    }
}
