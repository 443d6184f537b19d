"""Invented names: no street, community or road here means a real one."""

from __future__ import annotations

import numpy as np

STREETS = (
    ("望潮", "Wangchao"),
    ("云帆", "Yunfan"),
    ("松屿", "Songyu"),
    ("听涛", "Tingtao"),
    ("揽月", "Lanyue"),
    ("晴湾", "Qingwan"),
    ("鹭岸", "Lu'an"),
    ("棠港", "Tanggang"),
)
COMMUNITIES = (
    ("海棠", "Haitang"), ("晴川", "Qingchuan"), ("白鹭", "Bailu"), ("渔歌", "Yuge"),
    ("银杏", "Yinxing"), ("听雨", "Tingyu"), ("碧波", "Bibo"), ("青禾", "Qinghe"),
    ("紫藤", "Ziteng"), ("棠溪", "Tangxi"), ("柳浪", "Liulang"), ("石榴", "Shiliu"),
    ("荷风", "Hefeng"), ("竹影", "Zhuying"), ("松涛", "Songtao"), ("梅坞", "Meiwu"),
    ("桐荫", "Tongyin"), ("槐香", "Huaixiang"), ("浅湾", "Qianwan"), ("远帆", "Yuanfan"),
    ("灯塔", "Dengta"), ("贝壳", "Beike"), ("鸥鸣", "Ouming"), ("潮声", "Chaosheng"),
    ("礁石", "Jiaoshi"), ("盐花", "Yanhua"), ("细沙", "Xisha"), ("晚霞", "Wanxia"),
    ("晨曦", "Chenxi"), ("星灯", "Xingdeng"),
)  # fmt: skip
ARTERIALS = (
    ("观澜大道", "Guanlan Avenue"),
    ("扬帆大道", "Yangfan Avenue"),
    ("中兴大道", "Zhongxing Avenue"),
    ("明湾大道", "Mingwan Avenue"),
    ("东屿大道", "Dongyu Avenue"),
    ("北澜路", "Beilan Road"),
    ("学海路", "Xuehai Road"),
    ("会潮路", "Huichao Road"),
    ("南屿路", "Nanyu Road"),
    ("望日斜街", "Wangri Diagonal"),
    ("归帆斜街", "Guifan Diagonal"),
)
COAST_ROAD = ("环海路", "Coast Road")
BANK_ROAD = ("滨河路", "Riverside Road")
FIRST = (
    ("松", "Song"), ("竹", "Zhu"), ("梅", "Mei"), ("兰", "Lan"), ("桂", "Gui"), ("柳", "Liu"),
    ("枫", "Feng"), ("荷", "He"), ("棠", "Tang"), ("云", "Yun"), ("霞", "Xia"), ("星", "Xing"),
    ("月", "Yue"), ("晨", "Chen"), ("晴", "Qing"), ("雨", "Yu"), ("风", "Feng"), ("雪", "Xue"),
    ("沙", "Sha"), ("鸥", "Ou"), ("鹭", "Lu"), ("帆", "Fan"), ("潮", "Chao"), ("浪", "Lang"),
    ("汐", "Xi"), ("渔", "Yu"),
)  # fmt: skip
SECOND = (
    ("安", "an"), ("宁", "ning"), ("和", "he"), ("康", "kang"), ("乐", "le"), ("丰", "feng"),
    ("泰", "tai"), ("景", "jing"), ("园", "yuan"), ("溪", "xi"), ("华", "hua"), ("荣", "rong"),
    ("秀", "xiu"), ("德", "de"), ("明", "ming"), ("远", "yuan"), ("吉", "ji"), ("庆", "qing"),
    ("春", "chun"), ("秋", "qiu"),
)  # fmt: skip


def road_names(
    *, streets: int, lanes: list[bool], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Return a Chinese and an English name for each street line.

    Parameters
    ----------
    streets
        Number of street lines; the first are arterials, then the coast road, and the last
        one is the river bank.
    lanes
        Whether each line is a lane, shape (streets,).
    rng
        Source of the names' order.

    Returns
    -------
    list of (str, str)
        Names; a lane and a street may share the same stem.
    """
    order = rng.permutation(len(FIRST) * len(SECOND))
    named: list[tuple[str, str]] = []
    for number in range(streets):
        if number < len(ARTERIALS):
            named.append(ARTERIALS[number])
            continue
        pick = int(order[number % len(order)])
        (zh1, en1), (zh2, en2) = FIRST[pick // len(SECOND)], SECOND[pick % len(SECOND)]
        again = number // len(order)
        mark = "" if again == 0 else f"{again + 1}"
        kind = ("巷", "Lane") if lanes[number] else ("路", "Road")
        named.append((f"{zh1}{zh2}{mark}{kind[0]}", f"{en1}{en2} {mark}{kind[1]}"))
    named[len(ARTERIALS)] = COAST_ROAD
    named[-1] = BANK_ROAD
    return named
