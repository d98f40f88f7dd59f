"""Names of layers, losses and options in other tools, for suggestions, which are verified."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NAMES = {
    # layers and functions
    "dense": "linear fc fullyconnected affine",
    "relu": "rectifier rectifiedlinear poslin",
    "leaky_relu": "lrelu leakyrelu",
    "sigmoid": "logistic expit logsig",
    "tanh": "tansig hyperbolictangent",
    "softmax": "logsoftmax softmax1d",
    "dropout": "dropout1d dropout2d drop",
    "conv": "conv1d conv2d convolution convolution1d convolution2d convolutional",
    "maxpool": "maxpool1d maxpool2d maxpooling maxpooling2d",
    "avgpool": "avgpool1d avgpool2d averagepooling averagepooling2d avgpooling",
    "batchnorm": "batchnorm1d batchnorm2d batchnormalization bn",
    "layernorm": "layernormalization ln",
    "standardize": "standardscaler zscore normalize normalization minmax minmaxscaler mapminmax mapstd",
    "flatten": "ravel flat",
    "random_flip": "augment augmentation randomhorizontalflip fliplr hflip mirror",
    "random_shift": "randomtranslation randomaffine jitter",
    "random_crop": "crop centercrop randomresizedcrop",
    "gaussian_noise": "noise gaussiannoise jitter",
    "concat": "concatenate cat",
    "weight": "parameter variable param tensor",
    "where": "cond select ifelse",
    # losses and metrics
    "mse": "mseloss meansquarederror l2loss squarederror",
    "mae": "maeloss l1loss meanabsoluteerror",
    "huber": "huberloss smoothl1loss smoothl1",
    "cross_entropy": "crossentropyloss categoricalcrossentropy sparsecategoricalcrossentropy nll nllloss logloss",
    "binary_cross_entropy": "bce bceloss bcewithlogitsloss binarycrossentropyloss",
    "kl_divergence": "kl kldiv kldivloss kldivergence kullbackleibler",
    "poisson": "poissonnll poissonnllloss",
    "hinge": "hingeloss multimarginloss marginloss svm",
    "focal": "focalloss binaryfocalcrossentropy categoricalfocalcrossentropy",
    "dice": "diceloss",
    "contrastive": "contrastiveloss",
    "cosine": "cosinesimilarity cosineembeddingloss cosineannealing cosineannealinglr cosinedecay",
    "accuracy": "acc binaryaccuracy categoricalaccuracy",
    "top_k": "topk topkaccuracy topkcategoricalaccuracy sparsetopkcategoricalaccuracy",
    "f1": "f1score fscore",
    "auc": "rocauc rocaucscore auroc",
    "rmse": "rootmeansquarederror",
    "r2": "rsquared rsq r2score coefficientofdetermination",
    "confusion": "confusionmatrix confusionchart",
    # optimizers
    "sgd": "gd gradientdescent momentum nesterov traingd traingdm traingda traingdx",
    "rprop": "trainrp resilientbackpropagation",
    "adam": "adamoptimizer",
    "lbfgs": "bfgs lbfgsb fminlbfgs quasinewton newton conjugategradient trainbfg trainscg traincgf traincgb traincgp "
    "trainoss",
    "levenberg_marquardt": "lm trainlm trainbr levenbergmarquardt levenberg marquardt gaussnewton leastsquares",
    # schedules
    "step": "steplr stepdecay",
    "drops": "multisteplr piecewiseconstant piecewiseconstantdecay milestones",
    "exponential": "exponentiallr exponentialdecay rangetest lrfinder",
    "cosine_restarts": "cosineannealingwarmrestarts sgdr cosinedecayrestarts",
    "one_cycle": "onecycle onecyclelr",
    "cyclic": "cycliclr cyclical cyclicallearningrate clr triangular triangular2",
    "inverse_sqrt": "noam inversesqrt",
    "plateau": "reducelronplateau",
    "ema": "exponentialmovingaverage polyak",
    # initialisers
    "glorot_uniform": "glorot xavier xavieruniform",
    "glorot_normal": "xaviernormal",
    "he_normal": "he kaiming kaimingnormal",
    "he_uniform": "kaiminguniform",
    # readers
    "csv": "readcsv loadcsv readtable table tsv",
    "excel": "xlsx xls ods readexcel loadexcel xlsread workbook spreadsheet",
    # options
    "units": "outfeatures features neurons width nodes outputdim hiddensize hiddenunits",
    "channels": "filters outchannels",
    "size": "kernelsize kernel poolsize windowsize",
    "stride": "strides",
    "pad": "padding",
    "bias": "usebias",
    "init": "kernelinitializer weightinit initializer",
    "bias_init": "biasinitializer",
    "rate": "p prob probability droprate",
    "lr": "learningrate eta alpha stepsize",
    "momentum": "mc",
    "decay": "weightdecay wd l2",
    "patience": "maxfail",
    "eps": "epsilon",
    "beta1": "betas",
    "smooth": "labelsmoothing",
    "weights": "classweight classweights weight",
    "ignore": "ignoreindex ignoreclass",
    # options of readers
    "delimiter": "sep separator delim",
    "decimal": "decimalmark dec decimalseparator",
    "thousands": "groupingmark bigmark thousandsseparator thousandssep",
    "dates": "dateorder",
    "missing": "fillna na",
    "valid": "val validation",
    "split": "dividerand divideint divideblock divideind traintestsplit randomsplit",
    "columns": "usecols",
    "encoding": "charset fileencoding",
    # keys of `train`
    "epochs": "epoch numepochs nepochs maxepochs",
    "steps": "numsteps maxsteps iterations",
    "batch": "batchsize minibatch minibatchsize",
    "optimizer": "optim optimiser solver trainfcn",
    "loss": "criterion lossfn lossfunction objective cost performfcn",
    "metrics": "metric",
    "seed": "randomstate randomseed",
    "precision": "dtype",
    "accumulate": "gradientaccumulation accumulatesteps gradientaccumulationsteps accumulategradbatches",
    "average": "swa averageweights emadecay",
    "freeze": "frozen nontrainable",
    "clip": "clipnorm clipvalue gradientclip clipgradnorm gradientclipping",
    "schedule": "scheduler lrscheduler lrschedule",
    "early_stop": "earlystopping",
}

_found: dict[str, tuple[str, ...]] = {}
for _here, _words in _NAMES.items():
    for _word in _words.split():
        _found[_word] = (*_found.get(_word, ()), _here)
SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(_found)
"""A lower-case name without `_`, and the equivalent names here."""
